import { parentPort, workerData } from 'node:worker_threads'
import { askToRun } from '../../lib/libc/execve.ts'

/** A thread of its own, since it waits in the kernel until the verdict worker answers. */
const paths = workerData as readonly string[]
parentPort?.postMessage(paths.map(askToRun))
