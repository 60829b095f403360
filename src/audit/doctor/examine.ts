import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { EngineReader } from '../../engine/reader.ts'
import { hasCode } from '../../lib/errors.ts'
import { mountOverlay, unmount } from '../../lib/libc/mount.ts'
import type { Ability, Bench, Trial } from './ability.ts'
import { hostAbilities } from './host-abilities.ts'
import { kernelAbilities } from './kernel-abilities.ts'

export interface Examined extends Trial {
  readonly id: string
  readonly title: string
  readonly lost: string
  readonly remedy: string
}

export interface ExamineOptions {
  readonly stateDir: string
  readonly engine: EngineReader | null
  readonly engineProblem: string
  /** Where the trials' overlay is made: a real disk. */
  readonly workDir?: string
  /** Further abilities, the sensor's self-test for one. */
  readonly more?: readonly Ability[]
}

/** Tries every ability, one after the other, on an overlay that is gone afterwards. */
export async function examine({
  stateDir,
  engine,
  engineProblem,
  workDir = '/var/tmp',
  more = [],
}: ExamineOptions): Promise<Examined[]> {
  const { bench, close } = openBench(workDir, { stateDir, engine, engineProblem })
  try {
    const results: Examined[] = []
    for (const ability of [...hostAbilities, ...kernelAbilities, ...more]) {
      const { id, title, lost, remedy } = ability
      results.push({ id, title, lost, remedy, ...(await ability.try(bench)) })
    }
    return results
  } finally {
    close()
  }
}

function openBench(
  workDir: string,
  rest: Omit<Bench, 'overlay' | 'overlayProblem'>,
): { bench: Bench; close: () => void } {
  let folder: string
  try {
    folder = mkdtempSync(join(workDir, 'paddock-doctor-'))
  } catch (error) {
    if (!hasCode(error, 'EACCES', 'ENOENT', 'EROFS', 'ENOSPC')) throw error
    return {
      bench: { ...rest, overlay: null, overlayProblem: error.message },
      close: () => undefined,
    }
  }
  const [lower, upper, work, merged] = ['lower', 'upper', 'work', 'merged'].map((name) =>
    join(folder, name),
  ) as [string, string, string, string]
  for (const each of [lower, upper, work, merged, join(lower, 'folder')]) mkdirSync(each)
  writeFileSync(join(lower, 'deleted'), 'x')
  writeFileSync(join(lower, 'folder/inside'), 'x')
  writeFileSync(join(lower, 'program'), '#!/bin/sh\nexit 0\n')
  chmodSync(join(lower, 'program'), 0o755)
  const remove = (): void => rmSync(folder, { recursive: true, force: true })
  try {
    mountOverlay(merged, `lowerdir=${lower},upperdir=${upper},workdir=${work}`)
  } catch (error) {
    remove()
    return {
      bench: {
        ...rest,
        overlay: null,
        overlayProblem: error instanceof Error ? error.message : String(error),
      },
      close: () => undefined,
    }
  }
  return {
    bench: { ...rest, overlay: { merged, upper, lower }, overlayProblem: '' },
    close() {
      // A program of a failed trial may still stand in it.
      unmount(merged)
      remove()
    },
  }
}
