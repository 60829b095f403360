/** The container's first process, held before its first instruction. */
export interface ToTracer {
  readonly pid: number
}

export type FromTracer =
  | { readonly kind: 'attached'; /** 0, or minus the error number. */ readonly error: number }
  | {
      readonly kind: 'done'
      /** Paths as bytes (latin1), absolute inside the container. */
      readonly used: readonly string[]
      /** Made, renamed or linked: only their folders must be there. */
      readonly made: readonly string[]
      /** Asked for, and not there. */
      readonly missing: readonly string[]
      readonly users: readonly number[]
      readonly groups: readonly number[]
      /** False where there were more different paths than can be held. */
      readonly complete: boolean
    }
