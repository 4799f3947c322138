-- beat_import.lua: show that an import is alive, and how far it has come.
-- KEYS 1 state hash   2 import record   3 rows being written
-- ARGV 1 import id   2 now_ms   3 lapse_ms   4 record   5 how long the rows may stay without a beat, s
-- Returns 1, or 0 when the import is over or was silent for too long: it must end.
local state = redis.call('HMGET', KEYS[1], 'running', 'beat')
if state[1] ~= ARGV[1] or tonumber(state[2]) + tonumber(ARGV[3]) <= tonumber(ARGV[2]) then return 0 end
redis.call('HSET', KEYS[1], 'beat', ARGV[2])
redis.call('SET', KEYS[2], ARGV[4], 'KEEPTTL')
redis.call('EXPIRE', KEYS[3], ARGV[5])
return 1
