// Turns errno into an Error. The files of base that call the kernel share it.
#pragma once

#include <filesystem>
#include <string>

namespace moebius::internal {

std::string io_message(int error);  // "No space left on device"

// Throws kIo: "PATH: WHAT: No space left on device", with a hint where there is one.
[[noreturn]] void throw_io_error(const std::filesystem::path& path, const std::string& what, int error);

}  // namespace moebius::internal
