-- table: words
SELECT word, note FROM words;
