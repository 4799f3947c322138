-- advance.lua: a chore's guard. Moves a run from one state to the next, with what the chore has found out, in one
-- step: a chore that wakes up late writes nothing.
-- KEYS 1 run
-- ARGV 1 to   2 expected field ('' for none)   3 its value   4 how many states may be left   5… these, then fields and values
-- Returns 1 moved, 2 was there, 0 refused
local state = redis.call('HGET', KEYS[1], 'state')
if state == ARGV[1] then return 2 end
if ARGV[2] ~= '' and (redis.call('HGET', KEYS[1], ARGV[2]) or '') ~= ARGV[3] then return 0 end
local may = false
for at = 5, 4 + ARGV[4] do
  if state == ARGV[at] then may = true end
end
if not may then return 0 end
redis.call('HSET', KEYS[1], 'state', ARGV[1])
for at = 5 + ARGV[4], #ARGV, 2 do
  redis.call('HSET', KEYS[1], ARGV[at], ARGV[at + 1])
end
return 1
