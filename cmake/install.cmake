# What `cmake --install` puts where: the program, libmoebius shared and static, its headers, and what
# find_package(moebius) and `pkg-config moebius` read.
include(CMakePackageConfigHelpers)

install(TARGETS moebius RUNTIME)
install(TARGETS libmoebius EXPORT moebius)
install(TARGETS libmoebius_static EXPORT moebius_static)
install(DIRECTORY include/moebius DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(FILES LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR})

set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/moebius)
install(EXPORT moebius NAMESPACE moebius:: FILE moebiusTargets.cmake DESTINATION ${package_dir})
install(EXPORT moebius_static NAMESPACE moebius:: FILE moebiusStaticTargets.cmake DESTINATION ${package_dir})
configure_package_config_file(cmake/moebiusConfig.cmake.in moebiusConfig.cmake INSTALL_DESTINATION ${package_dir})
# While the version is 0.x, the interface may change with every minor version (CHANGELOG.md).
write_basic_package_version_file(moebiusConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/moebiusConfig.cmake ${CMAKE_CURRENT_BINARY_DIR}/moebiusConfigVersion.cmake
  DESTINATION ${package_dir})

file(RELATIVE_PATH prefix_from_pkgconfig /${CMAKE_INSTALL_LIBDIR}/pkgconfig /)
configure_file(cmake/moebius.pc.in moebius.pc @ONLY)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/moebius.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
