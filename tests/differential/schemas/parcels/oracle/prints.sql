SELECT l.token, l.printed, p.weight FROM labels l LEFT JOIN parcels p ON p.id = l.parcel_id WHERE l.printed IS NOT NULL
