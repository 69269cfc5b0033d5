SELECT tenant, number, COALESCE(name, '') FROM accounts WHERE number >= 0 AND kind = 'cash'
