-- put_credential.lua: put a credential at its place where the expected one still stands, and count the change.
-- KEYS 1 credentials hash   2 their revision
-- ARGV 1 place   2 expected credential, '' for none   3 new credential
-- Returns 1 when the new one stands there, 0 when someone else changed it.
local stands = redis.call('HGET', KEYS[1], ARGV[1]) or ''
if stands == ARGV[3] then return 1 end
if stands ~= ARGV[2] then return 0 end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[3])
redis.call('INCR', KEYS[2])
return 1
