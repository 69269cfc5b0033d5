-- table: documents
SELECT id, doc FROM documents;
