/** Days on which the makers stopped mending a release, as known on 2026-11-24; a later release is not listed. */
const ENDED: Readonly<Record<'docker' | 'podman', readonly (readonly [release: string, day: string])[]>> = {
  docker: [
    ['17', '2018-12-31'],
    ['18', '2019-08-22'],
    ['19.03', '2021-01-08'],
    ['20.10', '2023-12-10'],
    ['23.0', '2025-05-19'],
    ['24.0', '2024-06-08'],
    ['26.0', '2024-06-08'],
    ['26.1', '2025-02-17'],
    ['27', '2025-05-03'],
  ],
  podman: [
    ['1', '2020-06-30'],
    ['2', '2021-02-11'],
    ['3', '2022-05-16'],
    ['4', '2024-05-30'],
    ['5', '2026-09-26'],
    ['6.0', '2026-08-12'],
  ],
}

/** The day of a version's end of life, "2023-12-10"; null when none is known. */
export function endOfLife(kind: 'docker' | 'podman', version: string): string | null {
  return (
    ENDED[kind].find(([release]) => version === release || version.startsWith(`${release}.`))?.[1] ?? null
  )
}
