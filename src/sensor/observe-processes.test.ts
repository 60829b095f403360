import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { compileProcesses } from '../policy/processes.ts'
import type { Followed } from './followed.ts'
import { createProcessJudge } from './observe-processes.ts'
import { procWith, putProcess } from './proc.fixture.ts'
import { readProcess } from './process-info.ts'

const RULES = [
  { exe: '/bin/su', user: '0' },
  { exe: '/bin/psql', user: '33' },
].map((rule) => ({ ...rule, args: null, required: false, source: { file: 'db.yaml', line: 1 } }))

/** A container whose policy expects su as root and psql as user 33, and what is told of its process 7. */
function judging(t: TestContext) {
  const proc = procWith([], (act) => t.after(act))
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const told: string[] = []
  const judge = createProcessJudge(proc, { emit: ({ summary }) => void told.push(summary) })
  const followed = {
    ref: { id: 'a'.repeat(64), name: 'db', image: 'db', engine: 'docker' },
    judge: { processes: compileProcesses(RULES) },
    marked: null,
    layer: null,
    users: null,
  } as unknown as Followed
  return {
    told,
    judge,
    is: (command: string, uid: number) => putProcess(proc, { pid: 7, parent: 1, command, uid }),
    event: (what: 'exec' | 'user') => {
      const process = readProcess(proc, 7)
      assert.ok(process)
      judge.started(followed, { what, containerId: followed.ref.id, process, who: null, exeDevice: -1 })
    },
  }
}

test('su, which changes its user and becomes the next program, is not told as a program of that user', (t) => {
  const { told, is, event } = judging(t)
  is('su', 0)
  event('exec')
  is('su', 33)
  event('user')
  t.mock.timers.tick(100)
  is('psql', 33)
  event('exec')
  t.mock.timers.tick(500)
  assert.deepEqual(told, [])
})

test('a program that goes on as another user is told as what it is then', (t) => {
  const { told, is, event } = judging(t)
  is('su', 0)
  event('exec')
  is('su', 33)
  event('user')
  t.mock.timers.tick(500)
  assert.deepEqual(told, ['db: /bin/su runs as 33, which policy does not expect'])
})

test('one that changes its user again and again does not get away with it', (t) => {
  const { told, is, event } = judging(t)
  is('intruder', 0)
  event('exec')
  for (let uid = 1; uid <= 3; uid++) {
    is('intruder', uid)
    event('user')
    is('intruder', uid + 100)
    t.mock.timers.tick(500)
  }
  assert.equal(told.length, 1)
})

test('what is still settling when the sensor ends is judged then', (t) => {
  const { told, is, event, judge } = judging(t)
  is('intruder', 0)
  event('exec')
  is('intruder', 1)
  judge.stop()
  assert.equal(told.length, 1)
})
