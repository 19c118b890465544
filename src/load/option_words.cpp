// The tables of option_words.h.
#include "load/option_words.h"

namespace moebius::internal {
namespace {

constexpr OptionWord<BackendKind> kBackends[] = {{"cpu", BackendKind::kCpu}, {"reference", BackendKind::kReference}};
constexpr OptionWord<InstructionSet> kInstructionSets[] = {
    {"portable", InstructionSet::kPortable}, {"avx2", InstructionSet::kAvx2}, {"avx512", InstructionSet::kAvx512}};
constexpr OptionWord<ExpertPath> kExpertPaths[] = {
    {"unfused", ExpertPath::kUnfused}, {"concat", ExpertPath::kConcat}, {"fused", ExpertPath::kFused}};
constexpr OptionWord<ActivationKind> kActivations[] = {{"int8", ActivationKind::kInt8}, {"f32", ActivationKind::kF32}};
constexpr OptionWord<KvType> kKvTypes[] = {{"f32", KvType::kF32}, {"f16", KvType::kF16}};
constexpr OptionWord<PackedUse> kPackedUses[] = {
    {"off", PackedUse::kOff}, {"auto", PackedUse::kAuto}, {"make", PackedUse::kMake}};

}  // namespace

template <>
std::span<const OptionWord<BackendKind>> option_words() {
  return kBackends;
}

template <>
std::span<const OptionWord<InstructionSet>> option_words() {
  return kInstructionSets;
}

template <>
std::span<const OptionWord<ExpertPath>> option_words() {
  return kExpertPaths;
}

template <>
std::span<const OptionWord<ActivationKind>> option_words() {
  return kActivations;
}

template <>
std::span<const OptionWord<KvType>> option_words() {
  return kKvTypes;
}

template <>
std::span<const OptionWord<PackedUse>> option_words() {
  return kPackedUses;
}

}  // namespace moebius::internal
