import { connectEngine } from '../engine/connect.ts'
import { openWriter } from '../engine/writer.ts'
import { defineCommand, type ExitCode, shared } from './command.ts'
import { removeHerd, removeNewImages, startByHand, startHerd } from './demo/herd.ts'
import { startWatch } from './demo/live.ts'
import { recoverEvidence, tryEnclosed, walkIn } from './demo/scenes.ts'
import { clearStage, openStage, type Stage } from './demo/stage.ts'
import { freePort } from './demo/free-port.ts'
import { verdict } from './demo/verdict.ts'

export const command = defineCommand({
  summary: 'all of it on real containers: a herd, an intruder, what was seen and what was denied',
  usage: ['demo [--keep] [--engine ADDRESS]'],
  description: `
Builds the sample herd on the engine, hardens, tests and starts it, watches it, and lets an intruder in: once into a container
that somebody started by hand, once into a service of the herd. Shows what was seen, refused and kept, and ends
with a verdict. Containers, images, networks and folders are its own and are removed. Needs root, docker compose
and a mirror of Debian: it builds on Debian packages, so that it is the same wherever it plays.

Exit code: 0 all was seen and refused as it should be, 1 something was not, 2 it could not be done.`,
  options: {
    keep: { type: 'boolean', help: 'leave it running, with the address of its page, until Ctrl-C' },
    engine: shared.engine,
  },
  examples: [
    ['paddock demo', 'two minutes, and nothing left behind'],
    ['paddock demo --keep', 'look around: the page, your own docker exec'],
  ],
  arguments: { min: 0, max: 0 },
  async run({ options, io }): Promise<ExitCode> {
    const engine = await connectEngine({ engine: options.engine, env: io.env })
    const writer = await openWriter(engine, new AbortController().signal)
    const stage = openStage(io, engine, writer)
    const before = new Set((await engine.images()).flatMap(({ tags }) => tags))
    try {
      return await play(stage, options.keep === true)
    } finally {
      stage.say('Cleaning up')
      await removeHerd(stage)
      await removeNewImages(stage, before)
      clearStage(stage)
    }
  },
})

async function play(stage: Stage, keep: boolean): Promise<ExitCode> {
  const { io } = stage
  stage.say('A herd of three services: built, stripped, tested, started')
  await startHerd(stage)
  stage.say('And one container that somebody started by hand, as root, with nothing of that')
  const byHand = await startByHand(stage)

  stage.say('paddock watch: from here on it sees everything')
  const live = await startWatch(stage, `127.0.0.1:${await freePort()}`)
  try {
    stage.say('All is well')
    const before = await stage.paddock('scan')

    stage.say('An intruder is root in the container started by hand')
    const walked = await walkIn(stage, live, byHand)
    stage.say('What is left to see for a scan')
    const after = await stage.paddock('scan', byHand.name)
    stage.say('He tidied up. The alerts stay')
    const alerts = await stage.paddock('alerts', 'ls')
    stage.say('And what he dropped is kept, though he deleted it')
    const recovered = await recoverEvidence(stage, byHand)
    stage.say('The same intruder in a service of the herd, which is stripped and enclosed')
    const enclosed = await tryEnclosed(stage, byHand)

    stage.say('Verdict')
    const well = verdict(io, { before, after, alerts, walked, recovered, enclosed })
    if (keep && !io.signal.aborted) await stay(stage, live.address)
    return well ? 0 : 1
  } finally {
    await live.end()
  }
}

async function stay({ io, folder }: Stage, address: string): Promise<void> {
  io.stdout.write(`
It goes on until Ctrl-C.
  page    http://${address}/
  token   ${folder}/state/watch/token
  try     docker exec paddock-demo-by-hand /usr/bin/busybox touch /tmp/seen
`)
  await new Promise<void>((resolve) => {
    if (io.signal.aborted) resolve()
    io.signal.addEventListener('abort', () => {
      resolve()
    })
    // An open timer keeps the process; the signal has none.
    const timer = setInterval(() => {
      if (io.signal.aborted) clearInterval(timer)
    }, 1000)
  })
}
