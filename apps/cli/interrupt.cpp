// See cli/interrupt.h.
#include "cli/interrupt.h"

#include <sys/time.h>
#include <unistd.h>

#include <atomic>
#include <csignal>

#include "moebius/error.h"

namespace moebius::internal::apps {
namespace {

constexpr int kInterruptedExit = 130;
constexpr suseconds_t kGraceMicroseconds = 150'000;
std::atomic<bool> interrupted{false};
static_assert(std::atomic<bool>::is_always_lock_free, "a signal handler uses it");

// setitimer() is a single system call on Linux, so a signal handler may call it.
void arm(suseconds_t microseconds) {
  itimerval timer{};
  timer.it_value.tv_usec = microseconds;
  setitimer(ITIMER_REAL, &timer, nullptr);
}

extern "C" void on_interrupt(int) {
  if (interrupted.exchange(true)) _exit(kInterruptedExit);  // a second Ctrl-C ends the program at once
  arm(kGraceMicroseconds);
}

extern "C" void on_grace_over(int) { _exit(kInterruptedExit); }

extern "C" void on_held_interrupt(int) { interrupted.store(true); }

void handle(int signal, void (*handler)(int), int flags = SA_RESTART) {
  struct sigaction action{};
  action.sa_handler = handler;
  action.sa_flags = flags;
  sigemptyset(&action.sa_mask);
  sigaction(signal, &action, nullptr);
}

}  // namespace

void handle_interrupts() {
  handle(SIGALRM, on_grace_over);
  handle(SIGINT, on_interrupt);
}

void throw_if_interrupted() {
  if (!interrupted.load(std::memory_order_relaxed)) return;
  arm(0);
  throw Error(ErrorCode::kInterrupted, "moebius", "interrupted");
}

HeldInterrupts::HeldInterrupts() { handle(SIGINT, on_held_interrupt, 0); }

HeldInterrupts::~HeldInterrupts() { handle(SIGINT, on_interrupt); }

bool HeldInterrupts::take() { return interrupted.exchange(false); }

}  // namespace moebius::internal::apps
