-- begin_import.lua: start an import, unless another one into this audience is alive.
-- KEYS 1 state hash   2 import record
-- ARGV 1 import id   2 now_ms   3 lapse_ms   4 record   5 how long to keep the record, s
-- Returns {running import, '', ''} when refused, {'', '', ''} when the audience was deleted, else {'', version to write,
-- current version or '0'}.
local state = redis.call('HMGET', KEYS[1], 'running', 'beat', 'running_version', 'current', 'removed')
if state[5] then return { '', '', '' } end
local running, version = state[1], state[3]
if running and running ~= ARGV[1] and tonumber(state[2]) + tonumber(ARGV[3]) > tonumber(ARGV[2]) then
  return { running, '', '' }
end
if running ~= ARGV[1] then
  version = redis.call('HINCRBY', KEYS[1], 'seq', 1)
  redis.call('HSET', KEYS[1], 'running', ARGV[1], 'running_version', version, 'beat', ARGV[2])
  redis.call('SET', KEYS[2], ARGV[4], 'EX', ARGV[5])
end
return { '', tostring(version), state[4] or '0' }
