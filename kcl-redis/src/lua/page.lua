-- A page of rows in the order of their names. KEYS: rows, names. ARGV: where to start, as
-- ZRANGEBYLEX takes it; the most rows; about how many bytes. Answers the last name if there may be
-- more, then names and rows in turn.

local names = redis.call('ZRANGEBYLEX', KEYS[2], ARGV[1], '+', 'LIMIT', 0, ARGV[2])
local page, bytes, last = { false }, 0, 0
for at, name in ipairs(names) do
  if bytes >= tonumber(ARGV[3]) then
    break
  end
  local row = redis.call('HGET', KEYS[1], name)
  if row then
    page[#page + 1] = name
    page[#page + 1] = row
    bytes = bytes + #row
  end
  last = at
end
if last < #names or last == tonumber(ARGV[2]) then
  page[1] = names[last]
end
return page
