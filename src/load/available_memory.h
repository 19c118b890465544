// How much memory this process can still take: the smallest of what the system has available and what its control
// groups leave.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>

namespace moebius::internal {

// root: where /proc and /sys are. nullopt when the system does not say.
std::optional<uint64_t> available_memory_bytes(const std::filesystem::path& root = "/");

}  // namespace moebius::internal
