SELECT uid, kind, amount FROM reactions
