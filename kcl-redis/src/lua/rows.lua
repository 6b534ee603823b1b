-- What the scripts share. A row is a flat JSON object of strings; the body of a document follows
-- it after a line feed, which JSON never holds.

local function split(row)
  local at = string.find(row, '\n', 1, true)
  if at then
    return string.sub(row, 1, at - 1), string.sub(row, at)
  end
  return row, ''
end

-- Nothing for a row that makes no sense: no condition holds on it, and the reader complains.
local function fields_of(row)
  local readable, fields = pcall(cjson.decode, (split(row)))
  if readable and type(fields) == 'table' then
    return fields
  end
end

-- Digits are compared and counted as text: a Lua number holds 53 bits.
local function below(one, other)
  if #one ~= #other then
    return #one < #other
  end
  return one < other
end

local function plus_one(digits)
  local at = #digits
  while at > 0 and string.byte(digits, at) == 57 do
    at = at - 1
  end
  local zeros = string.rep('0', #digits - at)
  if at == 0 then
    return '1' .. zeros
  end
  return string.sub(digits, 1, at - 1) .. string.char(string.byte(digits, at) + 1) .. zeros
end

local checks = {
  among = function(value, wanted)
    for _, one in ipairs(wanted) do
      if value == one then
        return true
      end
    end
    return false
  end,
  absent = function(value)
    return value == nil
  end,
  below = function(value, wanted)
    return type(value) == 'string' and below(value, wanted[1])
  end,
  upto = function(value, wanted)
    return type(value) == 'string' and not below(wanted[1], value)
  end,
}

-- The row that a change is about, and its fields if every condition holds.
local function judge(rows, name, change)
  local row = redis.call('HGET', rows, name)
  local fields = row and fields_of(row)
  if not fields then
    return row
  end
  for _, condition in ipairs(change.when or {}) do
    if not checks[condition[2]](fields[condition[1]], condition[3]) then
      return row
    end
  end
  return row, fields
end

local function answer(done, row, stamped)
  if not stamped then
    return { done, row }
  end
  local time = redis.call('TIME')
  return { done, row, time[1], time[2], redis.call('INFO', 'replication') }
end
