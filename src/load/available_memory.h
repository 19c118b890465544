// Tells how much memory this process can still take. This is the smaller of the memory that the system has available
// and the memory that the control groups of the process leave.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>

namespace moebius::internal {

// `root` is the directory that contains proc and sys. Returns nullopt when the system does not tell.
std::optional<uint64_t> available_memory_bytes(const std::filesystem::path& root = "/");

}  // namespace moebius::internal
