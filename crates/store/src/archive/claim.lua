-- claim.lua: take a run to archive it, for a while. Whoever has taken it may take it again, and for longer.
-- KEYS 1 claim
-- ARGV 1 token   2 for how long, in ms
-- Returns 1, or 0 while somebody else has it.
local holder = redis.call('GET', KEYS[1])
if holder and holder ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1
