-- put.lua: put pages into a lane, where open, reopening and reconcile may all put the same page at once.
-- KEYS 1 lane   2 tokens
-- ARGV 1 'keep': a page that is there keeps its place; 'hurry': one that is free moves forward if it is now due earlier
--      2… due_ms and page, pair by pair (a few hundred at most)
-- Returns how many were not there.
local added = 0
for at = 2, #ARGV, 2 do
  local due, page = ARGV[at], ARGV[at + 1]
  if ARGV[1] == 'hurry' and redis.call('HEXISTS', KEYS[2], page) == 0 then
    added = added + redis.call('ZADD', KEYS[1], 'LT', due, page)
  else
    added = added + redis.call('ZADD', KEYS[1], 'NX', due, page)
  end
end
return added
