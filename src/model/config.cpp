// What follows from the facts of a config. Reading them: config_source.cpp and the family files.
#include "model/config.h"

#include <algorithm>

namespace moebius {

int64_t ModelConfig::count(LayerKind kind) const { return std::count(layer_kinds.begin(), layer_kinds.end(), kind); }
int64_t ModelConfig::count(MlpKind kind) const { return std::count(mlp_kinds.begin(), mlp_kinds.end(), kind); }

}  // namespace moebius
