import { compileGlob } from '../../policy/glob.ts'
import { compileTree } from '../../policy/match-tree.ts'
import { matching } from '../matching.ts'
import { programs, removePaths, type Rule } from './rule.ts'

/** Whatever reads headers and static libraries. Most of these the rule about dangerous tools has taken by now. */
const COMPILERS = `cc gcc gcc-* *-gcc *-gcc-* c++ g++ g++-* *-g++ *-g++-* cpp cpp-* clang* tcc ld ld.bfd ld.gold ld.lld ld.mold go rustc
  nvcc gfortran* cython* cmake`
const compilers = compileTree(programs(...COMPILERS.split(/\s+/)).map(compileGlob))

const all = removePaths({
  id: 'build-files',
  title: 'headers, static libraries and the inner parts of compilers',
  reason: 'no compiler is left that could read them',
  byDefault: true,
  globs: [
    '/usr/include',
    '/usr/local/include',
    // "lib*.la" are none: libtool's loader reads them for plug-ins, as OpenLDAP's server does.
    '/lib/*.a',
    '/lib/*/*.a',
    '/usr/lib/*.a',
    '/usr/lib/*/*.a',
    '/usr/lib64/*.a',
    '/usr/local/lib/*.a',
    '/usr/lib/python3*/config-*/*.a',
    '/usr/local/lib/python3*/config-*/*.a',
    // Shared libraries among them are programs' own on some systems.
    '/usr/lib/gcc/*/*/*.a',
    '/usr/lib/gcc/*/*/*.o',
    '/usr/lib/gcc/*/*/cc1*',
    '/usr/lib/gcc/*/*/lto*',
    '/usr/lib/gcc/*/*/collect2',
    '/usr/lib/gcc/*/*/include*',
    '/usr/lib/gcc/*/*/plugin',
    '/usr/libexec/gcc',
    '/usr/lib/pkgconfig',
    '/usr/lib/*/pkgconfig',
    '/usr/local/lib/pkgconfig',
    '/usr/share/pkgconfig',
    '/usr/lib/cmake',
    '/usr/lib/*/cmake',
    '/usr/share/aclocal',
    '/usr/lib/*/perl/*/CORE/*.h',
    '/usr/lib/perl5/core_perl/CORE/*.h',
    '/usr/local/lib/perl5/*/*/CORE/*.h',
  ],
})

export const rule: Rule = {
  ...all,
  *plan(subject) {
    if (matching(subject.root, compilers, { below: false }).length === 0) yield* all.plan(subject)
  },
}
