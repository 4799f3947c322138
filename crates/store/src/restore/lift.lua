-- lift.lua: a person has acknowledged a restore, and the doubts of every run are written. The database lives on as a new
-- generation, so that an older copy of it is known by that alone.
-- KEYS 1 database   2 restore   3 breaks
-- ARGV 1 now_ms or ''   2 the highest beat that the doubts were written for   3 until when they reach
-- Returns 1 lifted or nothing to lift, 0 more has come into doubt meanwhile
local marked = redis.call('HMGET', KEYS[2], 'highest_beat', 'generation')
if not marked[1] then return 1 end
if marked[1] ~= ARGV[2] then return 0 end
local now, till = tonumber(ARGV[1]), tonumber(ARGV[3])
if not now then
  local t = redis.call('TIME')
  now = t[1] * 1000 + math.floor(t[2] / 1000)
end
local kept = redis.call('HMGET', KEYS[1], 'generation', 'beat')
local generation = math.max(tonumber(kept[1]), tonumber(marked[2])) + 1
local beat = math.max(tonumber(kept[2]), tonumber(marked[1]), now)
-- What is acknowledged is no break any more. Whoever has seen beats after it still has something to tell.
local breaks = redis.call('ZRANGE', KEYS[3], 0, -1, 'WITHSCORES')
breaks[#breaks + 1], breaks[#breaks + 2] = kept[2], beat
for at = 1, #breaks, 2 do
  local from, ended = tonumber(breaks[at]), tonumber(breaks[at + 1])
  if from < till then
    redis.call('ZREM', KEYS[3], breaks[at])
    if ended > till then redis.call('ZADD', KEYS[3], ended, till) end
  end
end
redis.call('HSET', KEYS[1], 'generation', generation, 'beat', beat)
redis.call('DEL', KEYS[2])
return 1
