-- probe.lua: a write as small as can be, to learn whether Redis takes any.
-- KEYS 1 database   2 restore
-- Returns 1 while a restored snapshot waits for a person
redis.call('HSET', KEYS[1], 'probed', '1')
return redis.call('EXISTS', KEYS[2])
