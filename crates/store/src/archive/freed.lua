-- freed.lua: the pages of an archived run are gone; so go its dropped rows, and the run is done with.
-- KEYS 1 run   2 dropped
-- ARGV 1 the mark   2 now_ms
-- Returns 1, or 0 when the run was archived anew.
if redis.call('HGET', KEYS[1], 'archived') ~= ARGV[1] then return 0 end
redis.call('DEL', KEYS[2])
redis.call('HSETNX', KEYS[1], 'freed_at', ARGV[2])
return 1
