"""The binlog as a stream of whole transactions: connection, events, and the generated decoder of row images."""
