// For tests only: runs something that must throw Error, and hands the error over.
#pragma once

#include <gtest/gtest.h>

#include <optional>
#include <string>

#include "moebius/error.h"

namespace moebius::internal::testing {

template <typename Body>
std::optional<Error> error_of(const Body& body) {
  try {
    body();
  } catch (const Error& error) {
    return error;
  }
  return std::nullopt;
}

// Expects that the body throws Error with this code and that the message contains the text.
template <typename Body>
void expect_error(ErrorCode code, const std::string& text, const Body& body) {
  const std::optional<Error> error = error_of(body);
  if (!error) FAIL() << "nothing was thrown, expected " << name(code);
  EXPECT_EQ(name(error->code()), name(code)) << error->what();
  EXPECT_NE(std::string(error->what()).find(text), std::string::npos)
      << '"' << text << "\" is not in: " << error->what();
}

}  // namespace moebius::internal::testing
