"""What runs in a container for bench/sensor.ts. Usage: workload.py NAME ARGS…; prints one JSON document.

Times are of CLOCK_MONOTONIC, which the host shares: nanoseconds.
"""
import errno, glob, json, os, platform, shutil, struct, subprocess, sys, time

now = time.monotonic_ns


def elf():
    """exit(0), as a static ELF of 130 bytes."""
    if platform.machine() == 'x86_64':
        machine, code = 62, b'\x6a\x3c\x58\x31\xff\x0f\x05'
    else:
        machine, code = 183, struct.pack('<III', 0xD2800000, 0xD2800BA8, 0xD4000001)
    base = 0x400000
    head = b'\x7fELF\x02\x01\x01' + bytes(9) + struct.pack('<HHIQQQIHHHHHH', 2, machine, 1, base + 120, 64, 0, 0, 64, 56, 1, 0, 0, 0)
    return head + struct.pack('<IIQQQQQQ', 1, 5, 0, base, base, 120 + len(code), 120 + len(code), 0x1000) + code


def timed(act):
    start = now()
    act()
    return {'ns': now() - start}


def close_at(path, content, mode=0o644):
    """Writes a file; when its close began."""
    fd = os.open(path, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, mode)
    os.write(fd, content)
    at = now()
    os.close(fd)
    return at


def run(path):
    """Starts a program and waits for it: when execve was called, and how it went (0, or the error number)."""
    r, w = os.pipe()
    pid = os.fork()
    if pid == 0:
        start = now()
        os.write(w, struct.pack('<q', start))
        try:
            os.execv(path, [path])
        except OSError as e:
            os.write(w, struct.pack('<qq', e.errno, now() - start))
        os._exit(0)
    os.close(w)
    said = b''
    while True:
        piece = os.read(r, 64)
        if not piece:
            break
        said += piece
    os.close(r)
    os.waitpid(pid, 0)
    if len(said) == 8:
        return struct.unpack('<q', said)[0], 0, 0
    return struct.unpack('<qqq', said)


def probe(seconds):
    """Files and programs, one of each a little more than a second, so that none is folded with others."""
    files, programs = {}, {}
    end = now() + int(seconds) * 10**9
    number = 0
    while now() < end:
        number += 1
        path = f'/opt/probe-{number}'
        files[path] = close_at(path, b'x' * 100)
        time.sleep(0.55)
        path = f'/tmp/run-{number}'
        close_at(path, elf(), 0o755)
        time.sleep(0.05)
        programs[path], failed, _ = run(path)
        time.sleep(0.5)
    return {'files': files, 'programs': programs, 'epoch': time.time_ns() - now()}


def load(seconds, per_second, folder):
    """So many files a second, unexpected or not by where the folder is."""
    os.makedirs(folder, exist_ok=True)
    start = now()
    number = 0
    while now() - start < int(seconds) * 10**9:
        due = (now() - start) * int(per_second) // 10**9
        for _ in range(max(0, due - number)):
            close_at(f'{folder}/{number}', b'x' * 100)
            number += 1
        time.sleep(0.002)
    return {'files': number, 'perSecond': number * 10**9 // (now() - start)}


def loop_true(count):
    script = f'i=0; while [ $i -lt {int(count)} ]; do /bin/true; i=$((i+1)); done'
    subprocess.run(['/bin/sh', '-c', 'for i in 1 2 3; do /bin/true; done'], check=True)
    return timed(lambda: subprocess.run(['/bin/sh', '-c', script], check=True))


def files(count, folder):
    """Small files, a thousand in each folder, as a build or an unpacking makes them."""
    content = b'x' * 200

    def act():
        for number in range(int(count)):
            if number % 1000 == 0:
                os.makedirs(f'{folder}/{number // 1000}', exist_ok=True)
            fd = os.open(f'{folder}/{number // 1000}/{number}', os.O_CREAT | os.O_WRONLY, 0o644)
            os.write(fd, content)
            os.close(fd)

    return timed(act)


def remove(folder):
    shutil.rmtree(folder, ignore_errors=True)
    return {}


def sequential(mebibytes):
    """One large file, in writes of a mebibyte."""
    content = os.urandom(1 << 20)

    def act():
        fd = os.open('/expected-large', os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o644)
        for _ in range(int(mebibytes)):
            os.write(fd, content)
        os.close(fd)

    try:
        return timed(act)
    finally:
        os.unlink('/expected-large')


def nginx(requests):
    """Requests of a page by eight clients; `ab` is Apache's."""
    args = ['ab', '-q', '-n', str(int(requests)), '-c', '8', 'http://127.0.0.1:8080/']
    out = subprocess.run(args, check=True, capture_output=True, text=True).stdout
    seconds = next(line.split()[4] for line in out.splitlines() if line.startswith('Time taken'))
    return {'ns': int(float(seconds) * 10**9)}


def redis(requests):
    args = ['redis-benchmark', '-q', '-n', str(int(requests)), '-c', '8', '-t', 'set,get']
    return timed(lambda: subprocess.run(args, check=True, capture_output=True))


def serve():
    """nginx and redis, in the background of the container's first process."""
    os.makedirs('/expected', exist_ok=True)
    subprocess.run(['redis-server', '--daemonize', 'yes', '--save', '', '--dir', '/expected'], check=True, capture_output=True)
    conf = 'pid /expected/nginx.pid; error_log /expected/error.log; events {} http { access_log /expected/access.log; server { listen 127.0.0.1:8080; location / { root /usr/share/nginx/html; } } }'
    with open('/expected/nginx.conf', 'w') as f:
        f.write(conf)
    subprocess.run(['nginx', '-c', '/expected/nginx.conf'], check=True, capture_output=True)
    time.sleep(1)
    return {}


def denied(tries):
    """How long a dropped program's execve took to fail; each is a new file."""
    took = []
    for number in range(int(tries)):
        path = f'/tmp/denied-{number}'
        close_at(path, elf(), 0o755)
        _, failed, ns = run(path)
        if failed == errno.EPERM:
            took.append(ns)
        os.unlink(path)
    return {'denied': len(took), 'ns': took}


def gap(seconds):
    """Tries a dropped program again and again: when it ran, and when it was denied."""
    path = '/tmp/gap'
    close_at(path, elf(), 0o755)
    tries = []
    end = now() + int(seconds) * 10**9
    while now() < end:
        at, failed, _ = run(path)
        tries.append([at, failed])
        time.sleep(0.004)
    return {'tries': tries}


print(json.dumps(globals()[sys.argv[1]](*sys.argv[2:])))
