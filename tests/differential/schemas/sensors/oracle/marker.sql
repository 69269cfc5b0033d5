SELECT session, serial FROM marker
