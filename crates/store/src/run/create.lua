-- create.lua: a run exists once, whoever derives it how often.
-- KEYS 1 run
-- ARGV 1 record
-- Returns 1 when it is new.
if redis.call('EXISTS', KEYS[1]) == 1 then return 0 end
redis.call('HSET', KEYS[1], 'record', ARGV[1], 'state', 'scheduled')
return 1
