// The checks that the refusal of every bad input must pass.
#include "bad_input.h"

#include <gtest/gtest.h>
#include <time.h>

#include <optional>
#include <ostream>

#include "base/testing/allocation_meter.h"
#include "base/testing/expect_error.h"
#include "base/testing/temporary_directory.h"
#include "checkpoint/model_dir.h"

namespace moebius::internal {
namespace {

void expect_message(const BadInput& input, const Error& error) {
  const std::string message = error.what();
  for (const std::string& word : input.words) {
    EXPECT_NE(message.find(word), std::string::npos) << '"' << word << "\" is not in: " << message;
  }
  EXPECT_FALSE(error.hint().empty()) << "nothing to do about: " << message;
  EXPECT_LT(message.size(), 2000u);
  for (const char character : message) EXPECT_FALSE(static_cast<unsigned char>(character) < 0x20) << message;
}

}  // namespace

void PrintTo(const BadInput& input, std::ostream* out) { *out << input.name; }

double thread_seconds() {
  timespec now{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

double slow_build_factor() {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || !defined(__OPTIMIZE__)
  return 20;
#else
  return 1;
#endif
}

void expect_refusal(const BadInput& input, const std::function<void()>& open) {
  const AllocationMeter meter;
  const double start = thread_seconds();
  const std::optional<Error> error = testing::error_of(open);
  const double seconds = thread_seconds() - start;
  EXPECT_LE(meter.peak_bytes(), input.max_bytes);
  EXPECT_LE(seconds, input.max_seconds * slow_build_factor());
  ASSERT_TRUE(error.has_value()) << "was accepted, expected " << name(input.code);
  EXPECT_EQ(name(error->code()), name(input.code)) << error->what();
  const bool is_missing = input.code == ErrorCode::kMissingShard || input.code == ErrorCode::kMissingInput ||
                          input.code == ErrorCode::kUnreadable;
  EXPECT_EQ(exit_code(error->code()), is_missing ? 66 : 65);
  expect_message(input, *error);
}

void expect_refused(const BadInput& input) {
  const testing::TemporaryDirectory directory;
  directory.write("config.json", "{}");
  input.build(directory.path());
  expect_refusal(input, [&] { const ModelDir model(directory.path()); });
}

}  // namespace moebius::internal
