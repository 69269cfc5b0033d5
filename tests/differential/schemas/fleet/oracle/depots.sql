SELECT id, region_id, name, capacity FROM depots
