-- remove_audience.lua: delete the rows of an audience that nothing uses, and let no import begin any more.
-- KEYS 1 state hash   2 pins hash   3.. the rows of its versions
-- ARGV 1 now_ms   2 lapse_ms   3 how often an import had begun when the caller looked   4 how long imports are refused, s
-- Returns {'done'}, {'pinned', run}, {'importing', import}, or {'changed'} when the caller has to look again.
local held = redis.call('HKEYS', KEYS[2])[1]
if held then return { 'pinned', held } end
local state = redis.call('HMGET', KEYS[1], 'running', 'beat', 'seq', 'removed')
if state[4] then return { 'done' } end
if state[1] and tonumber(state[2]) + tonumber(ARGV[2]) > tonumber(ARGV[1]) then return { 'importing', state[1] } end
if (state[3] or '0') ~= ARGV[3] then return { 'changed' } end
for place = 3, #KEYS do redis.call('UNLINK', KEYS[place]) end
redis.call('UNLINK', KEYS[1])
redis.call('HSET', KEYS[1], 'removed', '1')
redis.call('EXPIRE', KEYS[1], ARGV[4])
return { 'done' }
