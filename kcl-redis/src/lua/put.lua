-- Puts a row if there is none. KEYS: rows, names. ARGV: name, row, 'stamp' or nothing.

local stamped = ARGV[3] == 'stamp'
if redis.call('HSETNX', KEYS[1], ARGV[1], ARGV[2]) == 0 then
  return answer(0, redis.call('HGET', KEYS[1], ARGV[1]), stamped)
end
redis.call('ZADD', KEYS[2], 0, ARGV[1])
return answer(1, ARGV[2], stamped)
