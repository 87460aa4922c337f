#pragma once

namespace crossfloor {

enum class LogLevel { debug, info, warning, error };

}  // namespace crossfloor
