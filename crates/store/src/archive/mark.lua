-- mark.lua: a closed run is in the archive from now on, with the report that stands there. Only if its mark is still the one
-- that was read: two schedulers that archive one run have each written an object, and one of them counts.
-- KEYS 1 run   2 report
-- ARGV 1 the mark that was read ('' for none)   2 the new one   3 the report
-- Returns 1, or 0 when the run is not closed or was marked by somebody else.
local run = redis.call('HMGET', KEYS[1], 'state', 'archived')
if run[1] ~= 'closed' then return 0 end
if run[2] == ARGV[2] then return 1 end
if (run[2] or '') ~= ARGV[1] then return 0 end
redis.call('HSET', KEYS[1], 'archived', ARGV[2])
redis.call('SET', KEYS[2], ARGV[3])
return 1
