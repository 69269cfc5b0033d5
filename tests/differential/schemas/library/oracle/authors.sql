SELECT code, name, born FROM authors
