SELECT tenant, number, COALESCE(name, '') FROM accounts WHERE tenant >= 0 AND number >= 0 AND kind = 'cash'
