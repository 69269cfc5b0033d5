-- @ while replicating
ALTER TABLE archive EXCHANGE PARTITION p1 WITH TABLE other;
INSERT INTO items VALUES (3, 'goes, too');
ALTER TABLE archive EXCHANGE PARTITION p0 WITH TABLE items;
