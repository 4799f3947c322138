-- contact.lua: counts a run's messages against a frequency cap, before they are planned. Who is counted for this run is
-- granted again.
-- KEYS 1 runs of the category by their instant   2 whom this run writes to
-- ARGV 1 run   2 its instant   3 the instant from which runs count   4 most messages   5 kept for, ms   6 how the keys of
-- other runs begin   7… persons
-- Returns a '1' or '0' per person: may be written to.
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', 2 * ARGV[3] - ARGV[2])
local had = {}
for _, run in ipairs(redis.call('ZRANGE', KEYS[1], '(' .. ARGV[3], '+inf', 'BYSCORE')) do
  if run ~= ARGV[1] then
    local there = redis.call('SMISMEMBER', ARGV[6] .. run, unpack(ARGV, 7))
    for i = 1, #there do had[i] = (had[i] or 0) + there[i] end
  end
end
local mine = redis.call('SMISMEMBER', KEYS[2], unpack(ARGV, 7))
local answer, granted = {}, {}
for i = 1, #mine do
  local may = mine[i] == 1 or (had[i] or 0) < tonumber(ARGV[4])
  answer[i] = may and '1' or '0'
  if may then granted[#granted + 1] = ARGV[6 + i] end
end
if #granted > 0 then
  redis.call('SADD', KEYS[2], unpack(granted))
  redis.call('PEXPIRE', KEYS[2], ARGV[5])
  redis.call('ZADD', KEYS[1], ARGV[2], ARGV[1])
end
return table.concat(answer)
