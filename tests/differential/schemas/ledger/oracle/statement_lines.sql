SELECT tenant, number, seq, ABS(amount), IF(amount < 0, 'D', 'C'), booked FROM entries
