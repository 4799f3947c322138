-- claim_notices.lua: takes notices that are due, so that for a while no other scheduler tells them.
-- KEYS 1 notices
-- ARGV 1 now_ms   2 claimed_until_ms   3 limit
-- Returns them, the longest due first.
local due = redis.call('ZRANGE', KEYS[1], '-inf', ARGV[1], 'BYSCORE', 'LIMIT', 0, ARGV[3])
for _, notice in ipairs(due) do
  redis.call('ZADD', KEYS[1], 'XX', ARGV[2], notice)
end
return due
