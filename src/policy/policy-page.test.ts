import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { parse } from 'yaml'
import { bytePathFromText } from '../lib/byte-path.ts'
import { readPolicyText } from './file.ts'
import { compileGlob } from './glob.ts'
import { readLabels } from './labels.ts'
import { compileTree } from './match-tree.ts'
import { problemText } from './problem.ts'
import { readDeclaration } from './schema.ts'
import { readYaml } from './yaml-reader.ts'

const page = readFileSync(join(import.meta.dirname, '../../docs/policy.md'), 'utf8')

function codeBlocks(language: string): string[] {
  return [...page.matchAll(/^```(\w*)\n(.*?)^```$/gms)].flatMap(([, name, text = '']) =>
    name === language ? [text] : [],
  )
}

const anyone = { container: null, image: null }

test('every sample of the page of policy loads', () => {
  const samples = codeBlocks('yaml')
  assert.equal(samples.length, 3)
  for (const sample of samples) {
    const own = (parse(sample) as Record<string, unknown>)['x-paddock']
    if (own === undefined) {
      const { declaration, problems } = readPolicyText('page', sample)
      assert.deepEqual(problems.map(problemText), [])
      assert.ok((declaration?.expect.length ?? 0) > 0)
    } else {
      const yaml = readYaml('page', JSON.stringify(own))
      assert.ok(readDeclaration(yaml, 'page', yaml.root, anyone)?.exec === 'deny')
      assert.deepEqual(yaml.problems.map(problemText), [])
    }
  }
})

test('every label of the page of policy is one', () => {
  const labels = [...page.matchAll(/--label '?(paddock\.[a-z]+)=(.*?)(?:'|(?= )|$)/gm)]
  assert.equal(labels.length, 3)
  for (const [, name = '', value = ''] of labels) {
    const { declaration, problems } = readLabels({ [name]: value }, {})
    assert.deepEqual(problems.map(problemText), [])
    assert.ok(declaration !== null, value)
  }
})

test('every pattern of the page of policy matches what it says, and nothing else that it names', () => {
  let rows = 0
  for (const line of page.split('\n')) {
    const [, pattern, matching, other] = /^\| `(.+?)` +\|(.*)\|(.*)\|$/.exec(line) ?? []
    if (pattern?.includes('/') !== true || matching === undefined || other === undefined) continue
    const tree = compileTree([compileGlob(pattern)])
    const paths = (cell: string) => [...cell.matchAll(/`(\/[^`]+)`/g)].map(([, path = '']) => path)
    for (const [cell, expected] of [
      [matching, true],
      [other, false],
    ] as const)
      for (const path of paths(cell))
        assert.equal(tree.matchesPath(bytePathFromText(path)).length > 0, expected, `${pattern} ${path}`)
    rows++
  }
  assert.equal(rows, 7)
})

test('the mistakes of the page of policy are told as it says', () => {
  const told = codeBlocks('').find((block) => block.startsWith('$ paddock policy check'))
  const { problems } = readPolicyText(
    'web.yaml',
    'match: { container: web }\nexpct:\n  - /x\nexpect:\n  - "*.pid"\n',
  )
  const lines = problems.map((problem) => problemText(problem).replace(/^web.yaml:[0-9:]+/, ''))
  assert.ok(told)
  for (const line of told.trim().split('\n').slice(1))
    assert.ok(lines.includes(line.replace(/^web.yaml:[0-9:]+/, '')), `${line}\n${lines.join('\n')}`)
})
