/*
 * What the kernel and the machine take from a loop of programs when anybody watches, by the least that can be done.
 *   floor answer FILE   answers each question for FILE (a dynamic loader), after a look at the kernel's stack of who asks
 *   floor hear          takes each start of a program from the process connector, and looks at nothing
 * Prints "ready", and goes on until it is killed.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/cn_proc.h>
#include <linux/connector.h>
#include <linux/filter.h>
#include <linux/netlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fanotify.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

static void need(int good, const char *what) {
  if (good) return;
  perror(what);
  exit(1);
}

static void ready(void) {
  puts("ready");
  fflush(stdout);
}

static void answer(const char *file) {
  need(setpriority(PRIO_PROCESS, 0, -15) == 0, "setpriority");
  int group = fanotify_init(FAN_CLASS_CONTENT | FAN_CLOEXEC, O_RDONLY | O_LARGEFILE | O_CLOEXEC | O_NOATIME);
  need(group >= 0, "fanotify_init");
  need(fanotify_mark(group, FAN_MARK_ADD, FAN_OPEN_EXEC_PERM, AT_FDCWD, file) == 0, "fanotify_mark");
  ready();
  for (;;) {
    char events[8192];
    ssize_t length = read(group, events, sizeof events);
    need(length > 0, "read");
    struct fanotify_event_metadata *event = (void *)events;
    for (; FAN_EVENT_OK(event, length); event = FAN_EVENT_NEXT(event, length)) {
      char path[64], stack[4096];
      snprintf(path, sizeof path, "/proc/%d/stack", event->pid);
      for (int tries = 0; tries < 200; tries++) {
        int fd = open(path, O_RDONLY | O_CLOEXEC);
        ssize_t shown = fd < 0 ? 0 : read(fd, stack, sizeof stack);
        if (fd >= 0) close(fd);
        if (shown > 0) break;
        usleep(1);
      }
      struct fanotify_response response = {event->fd, FAN_ALLOW};
      need(write(group, &response, sizeof response) == sizeof response, "write");
      close(event->fd);
    }
  }
}

static void hear(void) {
  int fd = socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC, NETLINK_CONNECTOR);
  need(fd >= 0, "socket");
  /* PROC_EVENT_EXEC alone, in the order of bytes that a filter sees. */
  struct sock_filter code[] = {{0x20, 0, 0, 36}, {0x15, 0, 1, 0x02000000}, {6, 0, 0, 0xffffffff}, {6, 0, 0, 0}};
  struct sock_fprog filter = {4, code};
  need(setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof filter) == 0, "setsockopt");
  struct sockaddr_nl address = {.nl_family = AF_NETLINK, .nl_groups = CN_IDX_PROC};
  need(bind(fd, (void *)&address, sizeof address) == 0, "bind");
  char message[NLMSG_SPACE(sizeof(struct cn_msg) + sizeof(enum proc_cn_mcast_op))] = {0};
  struct nlmsghdr *head = (void *)message;
  struct cn_msg *connector = NLMSG_DATA(head);
  head->nlmsg_len = sizeof message;
  head->nlmsg_type = NLMSG_DONE;
  connector->id.idx = CN_IDX_PROC;
  connector->id.val = CN_VAL_PROC;
  connector->len = sizeof(enum proc_cn_mcast_op);
  *(enum proc_cn_mcast_op *)connector->data = PROC_CN_MCAST_LISTEN;
  need(send(fd, message, sizeof message, 0) == sizeof message, "send");
  ready();
  for (;;) {
    char event[4096];
    recv(fd, event, sizeof event, 0);
  }
}

int main(int count, char **words) {
  if (count == 3 && strcmp(words[1], "answer") == 0) answer(words[2]);
  if (count == 2 && strcmp(words[1], "hear") == 0) hear();
  fputs("floor answer FILE | floor hear\n", stderr);
  return 2;
}
