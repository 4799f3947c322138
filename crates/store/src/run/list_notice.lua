-- list_notice.lua: a notice is to be told from now on.
-- KEYS 1 notices
-- ARGV 1 now_ms   2 notice
-- Returns 1 when it was not listed.
return redis.call('ZADD', KEYS[1], 'NX', ARGV[1], ARGV[2])
