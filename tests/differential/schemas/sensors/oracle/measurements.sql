SELECT id, sensor_id, taken, value FROM readings
