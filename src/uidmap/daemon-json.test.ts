import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { parseDaemonJson, removeKey, setKey } from './daemon-json.ts'

const set = (text: string) => setKey(text, 'userns-remap', 'dockremap')

describe('one key is set, and every other byte stays', () => {
  const cases: readonly (readonly [title: string, before: string, after: string])[] = [
    ['an empty file', '', '{\n  "userns-remap": "dockremap"\n}\n'],
    ['an empty object', '{}\n', '{\n  "userns-remap": "dockremap"\n}\n'],
    [
      'four blanks, no newline at the end',
      '{\n    "debug" : true,\n    "hosts": ["fd://"]\n}',
      '{\n    "debug" : true,\n    "hosts": ["fd://"],\n    "userns-remap" : "dockremap"\n}',
    ],
    ['one line', '{"debug":true}', '{"debug":true, "userns-remap":"dockremap"}'],
    [
      'one line with blanks',
      '{ "debug": true, "ipv6": false }',
      '{ "debug": true, "ipv6": false, "userns-remap": "dockremap" }',
    ],
    [
      'another value',
      '{"userns-remap" : "default","debug":true}',
      '{"userns-remap" : "dockremap","debug":true}',
    ],
    [
      'tabs and CRLF',
      '{\r\n\t"debug": true\r\n}\r\n',
      '{\r\n\t"debug": true,\r\n\t"userns-remap": "dockremap"\r\n}\r\n',
    ],
    [
      'braces, commas and quotes in strings and nested values',
      '{"log-opts":{"tag":"}, \\"userns-remap\\": \\"x\\""},"dns":[]}',
      '{"log-opts":{"tag":"}, \\"userns-remap\\": \\"x\\""},"dns":[],"userns-remap":"dockremap"}',
    ],
    ['a key written with escapes', '{"\\u0064ebug": 1}', '{"\\u0064ebug": 1, "userns-remap": "dockremap"}'],
  ]
  for (const [title, before, after] of cases) {
    test(title, () => {
      assert.equal(set(before), after)
    })
  }
})

describe('one key is taken away with its comma', () => {
  const cases: readonly (readonly [before: string, after: string])[] = [
    ['{"userns-remap":"x"}', '{}'],
    ['{"userns-remap":"x", "debug":true}', '{"debug":true}'],
    ['{\n  "debug": true,\n  "userns-remap": "x"\n}\n', '{\n  "debug": true\n}\n'],
    ['{\n  "a": 1,\n  "userns-remap": "x",\n  "b": 2\n}\n', '{\n  "a": 1,\n  "b": 2\n}\n'],
    ['{"debug":true}', '{"debug":true}'],
    ['', ''],
  ]
  for (const [before, after] of cases) {
    test(before, () => {
      assert.equal(removeKey(before, 'userns-remap'), after)
    })
  }
})

describe('what is no JSON object is named', () => {
  const cases: readonly (readonly [text: string, message: RegExp])[] = [
    [
      '{\n  // why\n  "debug": true\n}',
      /^cannot use \/etc\/docker\/daemon.json: line 2 is a comment, and comments are not JSON$/,
    ],
    ['{\n  "debug": true /* so */\n}', /line 2 is a comment/],
    ['# generated\n{}', /line 1 is a comment/],
    ['{"a": "//no comment"', /it is not JSON/],
    ['{\n  "debug": true,\n}', /it is not JSON \(.*line 3\)$/],
    ['{\n  "debug": true', /it is not JSON/],
    ['["debug"]', /it holds no JSON object but a list$/],
    ['null', /it holds no JSON object but null$/],
    ['"debug"', /it holds no JSON object but a string$/],
    ['{"debug": true, "debug": false}', /"debug" stands in it twice$/],
  ]
  for (const [text, message] of cases) {
    test(JSON.stringify(text), () => {
      assert.throws(() => parseDaemonJson(text, '/etc/docker/daemon.json'), { name: 'UserError', message })
    })
  }
})

test('whatever the file holds and however it is laid out, setting and removing the key is the file again', () => {
  const layout = fc.constantFrom(undefined, ' ', 2, 4, '\t')
  const keys = fc.string().filter((key) => key !== 'userns-remap' && key !== '__proto__')
  fc.assert(
    fc.property(fc.dictionary(keys, fc.jsonValue(), { minKeys: 1 }), layout, (value, indent) => {
      const text = JSON.stringify(value, null, indent)
      const changed = set(text)
      const parsed = JSON.parse(text) as object
      assert.deepEqual(JSON.parse(changed), { ...parsed, 'userns-remap': 'dockremap' })
      assert.equal(removeKey(changed, 'userns-remap'), text)
    }),
  )
})
