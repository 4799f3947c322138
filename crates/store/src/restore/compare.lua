-- compare.lua: is this database as far on as the caller has seen it? Then it lives, and beats. One that is behind is a
-- restored snapshot: that is marked, and nothing else is written, since a beat would wipe out what others know it by.
-- KEYS 1 database   2 restore   3 breaks (from, by when they ended)
-- ARGV 1 now_ms or ''   2 an id, should it have none   3 the id that the caller knows, or ''   4 the highest generation
--      and   5 the highest beat that the caller has seen   6 how far behind is lost writes, not a snapshot, in ms
-- Returns 'beats' | 'restored' | 'other', id, generation, beat, the server's run id
local now, tolerance = tonumber(ARGV[1]), tonumber(ARGV[6])
if not now then
  local t = redis.call('TIME')
  now = t[1] * 1000 + math.floor(t[2] / 1000)
end
local kept = redis.call('HMGET', KEYS[1], 'id', 'generation', 'beat')
local id, generation, beat = kept[1], tonumber(kept[2] or 0), tonumber(kept[3] or now)
local server = string.match(redis.call('INFO', 'server'), 'run_id:(%x+)')
if not id then
  id = ARGV[2]
  redis.call('HSET', KEYS[1], 'id', id, 'generation', generation, 'beat', beat)
end
if id ~= ARGV[3] then return { 'other', id, generation, beat, server } end

local seen_generation, seen = tonumber(ARGV[4]), tonumber(ARGV[5])
local snapshot = (seen > beat + tolerance or generation < seen_generation) and beat
-- Somebody who knew no better may have beaten already: then there is a break where the caller saw beats.
for _, from in ipairs(redis.call('ZRANGEBYSCORE', KEYS[3], '(' .. ARGV[5], '+inf')) do
  from = tonumber(from)
  if seen > from + tolerance then snapshot = math.min(snapshot or from, from) end
end
local marked = redis.call('HMGET', KEYS[2], 'since', 'snapshot_beat', 'highest_beat', 'generation')
if snapshot then
  redis.call('HSET', KEYS[2], 'since', marked[1] or now,
    'snapshot_beat', math.min(snapshot, tonumber(marked[2] or snapshot)),
    'highest_beat', math.max(seen, tonumber(marked[3] or 0)),
    'generation', math.max(seen_generation, generation, tonumber(marked[4] or 0)))
end
if snapshot or marked[1] then return { 'restored', id, generation, beat, server } end

if now > beat + tolerance then
  redis.call('ZADD', KEYS[3], now, beat)
  redis.call('ZREMRANGEBYRANK', KEYS[3], 0, -65)
end
beat = math.max(beat, now)
redis.call('HSET', KEYS[1], 'beat', beat)
return { 'beats', id, generation, beat, server }
