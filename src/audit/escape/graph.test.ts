import assert from 'node:assert/strict'
import { test } from 'node:test'
import { chains, graphBuilder } from './graph.ts'
import { chainText } from './escape.ts'

/** "user:a group:g" steps, "root" for root. */
function ways(...steps: readonly string[]): string[] {
  const graph = graphBuilder()
  const node = (text: string): string => {
    const [kind = '', name = ''] = text.split(':')
    return graph.node(kind as 'user', name)
  }
  for (const step of steps) {
    const [from = '', to = ''] = step.split(' ')
    graph.edge({ from: node(from), to: node(to), how: step, remedy: '' })
  }
  return chains(graph.build()).map(chainText).sort()
}

test('each first step of a start is a way of its own, its rest the shortest', () => {
  assert.deepEqual(
    ways(
      'user:a group:g',
      'group:g socket:s',
      'socket:s root',
      'user:a sudo:x',
      'sudo:x root',
      'group:g file:f',
      'file:f file:h',
      'file:h root',
    ),
    ['a → g → s → root', 'a → x → root'],
  )
})

test('through other people and containers, and never in a circle', () => {
  assert.deepEqual(
    ways(
      'user:a sudo:x',
      'sudo:x user:b',
      'user:b group:g',
      'group:g root',
      'user:b sudo:y',
      'sudo:y user:a',
    ),
    ['a → x → b → g → root', 'b → g → root'],
  )
  assert.deepEqual(ways('container:c container:d', 'container:d container:c'), [])
})

test('a detour to a place that its start reaches itself is not told', () => {
  assert.deepEqual(
    ways('container:c listener:l', 'container:d listener:l', 'container:c container:d', 'listener:l root'),
    ['c → l → root', 'd → l → root'],
  )
})

test('sixty containers in one namespace are judged, not counted for ever', () => {
  const steps = Array.from({ length: 60 }, (_, one) =>
    Array.from({ length: 60 }, (__, other) => `container:${one} container:${other}`),
  ).flat()
  assert.equal(ways(...steps, 'container:0 root').length, 60)
})
