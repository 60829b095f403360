import { nearest } from '../lib/nearest.ts'
import { errorsOf, type Problem } from './problem.ts'
import type { ExecMode, ExpectRule } from './policy.ts'
import { type Declaration, type Match, readExpectList } from './schema.ts'
import { readYaml } from './yaml-reader.ts'

type Labels = Readonly<Record<string, string>>

const EXPECT = 'paddock.expect'
const EXEC = 'paddock.exec'
const LONGEST_LABEL = 64 * 1024
const ANY: Match = { container: null, image: null }

/**
 * What the labels of a container started by hand declare: `paddock.expect`, patterns separated by commas or line breaks
 * or a JSON list of what stands in a file's `expect`; `paddock.exec`, `alert` or `deny`.
 *
 * A container inherits the labels of its image, and whoever made the image is not to say what is expected of it:
 * a label that the image has with the same value is taken for inherited, and may only forbid.
 * @param image the image's own labels; null where they are not known: then every label may be one of them
 */
export function readLabels(
  labels: Labels,
  image: Labels | null,
): { declaration: Declaration | null; problems: readonly Problem[] } {
  const problems = misspelt(labels)
  const own = (name: string): string | null => {
    const value = Object.hasOwn(labels, name) ? labels[name] : undefined
    if (value === undefined) return null
    if (image !== null && !(Object.hasOwn(image, name) && image[name] === value)) return value
    if (name === EXEC && value.trim() === 'deny') return value
    problems.push(
      image === null
        ? problem('warning', name, "is passed over: the image's own labels are not known", null)
        : problem('warning', name, 'is passed over: it comes from the image', 'declare it in a policy file'),
    )
    return null
  }
  const expect = own(EXPECT)
  const exec = own(EXEC)
  if (expect === null && exec === null) return { declaration: null, problems }

  const rules = expect === null ? [] : readExpectLabel(expect, problems)
  const mode = exec === null ? null : readExecLabel(exec.trim(), problems)
  return {
    declaration: { file: 'label', match: ANY, expect: rules, processes: null, exec: mode, execAllow: [] },
    problems,
  }
}

/** All or nothing, as a file is. */
function readExpectLabel(value: string, problems: Problem[]): readonly ExpectRule[] {
  if (value.length > LONGEST_LABEL) {
    problems.push(
      problem('error', EXPECT, `is longer than ${LONGEST_LABEL / 1024} KiB`, 'write a policy file'),
    )
    return []
  }
  const yaml = readYaml(`label ${EXPECT}`, value.trim().startsWith('[') ? value : listOf(value))
  if (yaml.root === null && yaml.problems.length === 0) return []
  const rules = yaml.root === null ? [] : readExpectList(yaml, `label ${EXPECT}`, yaml.root)
  problems.push(...yaml.problems)
  return errorsOf(yaml.problems).length > 0 ? [] : rules
}

/** One pattern a line, so that the line of a problem is the number of its pattern. */
function listOf(value: string): string {
  const globs = value.split(/[,\n]/).map((glob) => glob.trim())
  return globs
    .filter((glob) => glob !== '')
    .map((glob) => `- ${JSON.stringify(glob)}`)
    .join('\n')
}

function readExecLabel(value: string, problems: Problem[]): ExecMode | null {
  if (value === 'alert' || value === 'deny') return value
  problems.push(problem('error', EXEC, `cannot be '${value.slice(0, 40)}'`, "write 'alert' or 'deny'"))
  return null
}

function misspelt(labels: Labels): Problem[] {
  const near = Object.keys(labels).filter(
    (name) => name.startsWith('paddock.e') && name.length < 20 && name !== EXPECT && name !== EXEC,
  )
  return near.slice(0, 10).flatMap((name) => {
    const meant = nearest(name, [EXPECT, EXEC])
    return meant === null ? [] : [problem('warning', name, 'is no label of Paddock', `write '${meant}'`)]
  })
}

function problem(level: Problem['level'], label: string, message: string, hint: string | null): Problem {
  return { level, file: `label ${label}`, line: null, column: null, message, hint }
}
