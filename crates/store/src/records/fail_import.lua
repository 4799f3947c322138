-- fail_import.lua: end an import that came to nothing and drop what it wrote.
-- KEYS 1 state hash   2 import record   3 rows being written
-- ARGV 1 import id   2 record
if redis.call('HGET', KEYS[1], 'running') == ARGV[1] then
  redis.call('HDEL', KEYS[1], 'running', 'running_version', 'beat')
end
redis.call('SET', KEYS[2], ARGV[2], 'KEEPTTL')
redis.call('UNLINK', KEYS[3])
return 1
